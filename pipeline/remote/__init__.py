"""Results at a URL: adopted from there (`paths.adopt`), sent there (`paths.publish`, `r1 push`).

    place.py      a folder behind a URL: list, read, write; what is said when it cannot be reached
    shelf.py      which results are there, and how one comes in
    sending.py    how one goes there, so that it is there whole or not at all
    sender.py     the process that sends while a run goes on
    publisher.py  the runner's side of it
    push.py       `r1 push`

Through `pyarrow.fs`, which is installed with every environment: S3, Google, Azure and HDFS are in
its wheels, and it writes large files in parts. fsspec would need s3fs, gcsfs and adlfs, with
aiobotocore and its pins. It is imported where a URL is configured and asked, and only there.

Credentials are the environment's or those of the cloud's own files; a URL with a key is refused
(pipeline/addresses.py). A file is sent in parts of 10 MB, of which S3 takes 10,000: up to 98 GB.
"""
