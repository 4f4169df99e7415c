# The commands of the README; everything is in run.sh, for machines without make.
.PHONY: demo test check install benchmark
demo test check install benchmark:
	@sh run.sh $@
