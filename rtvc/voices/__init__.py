"""Target voices, the speaker's own enrolment, and the statistics of both."""
