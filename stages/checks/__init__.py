"""What cannot work, found when a recipe is composed: before anything runs. No torch here.

One function per kind (`check` in stages/registry.py) takes a stage as it was composed and yields
problems; each names its key, what is wrong and a value that works. What depends on rows that do not
exist yet is left to the stage.
"""
