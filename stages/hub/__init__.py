"""What is read from the Hugging Face hub: data sets, file by file.

listing.py    which commit a revision is, and the files that it has
splits.py     which of them hold a configuration's split
download.py   a file on this machine: fetched once, gone on with where it was cut off
remote.py     the beginning of a file, without fetching it all
patience.py   what passes is tried again, with growing pauses
reasons.py    what does not pass is said in words, with what to do
"""
