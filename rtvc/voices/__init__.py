"""Target voices and the speaker's own enrolment."""
