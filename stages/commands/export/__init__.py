"""`r1 export`: a model as a folder that others can use, with its card."""
