"""What a recipe costs, before it runs: tokens, FLOPs, time, memory, disk, money. No torch here.

    hardware.py   a machine: conf/hardware, a file of yours, or the one at hand (detect.py)
    shapes.py     a model: parameters, layers, keys and values, from config.json or conf/cost
    work.py       what a kind says that a stage of it does (stages/kinds/*/work.py)
    elsewhere.py  stages that an engine of another environment runs, or nothing here
    memory.py     what lies on a device meanwhile; fits.py says what does not fit, and what would
    speed.py      how long that takes on a machine
    estimate.py   an Estimate for each stage
    schedule.py   when each can run: the critical path

docs/costs.md has each formula and what is known of its error.
"""
