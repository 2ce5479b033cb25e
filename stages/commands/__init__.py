"""The verbs of `r1` beside the engine's own: eval, engine, export, grade, review, track."""

#: Of `r1 run --help`.
EXAMPLES = """\
  r1 run                            the whole recipe
  r1 run until=dev2                 a stage and what it needs, or [dev1,dev2]
  r1 run only=dev2                  a stage alone; its inputs have to be there
  r1 run stages.zero.max_steps=50   another number; `r1 plan` names the stages
  r1 run recipe=r1_zero seed=1      another graph, another seed
  r1 run data@stages.heldout=gsm8k  other rows: see conf/data, and conf/model
  r1 run seeds=[0,1,2]              the recipe for each seed, judged together
  r1 run -m seed=0,1                a run for each value, and a table of them"""
