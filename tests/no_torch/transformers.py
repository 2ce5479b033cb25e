raise ImportError("a light test imports transformers: list its file in tests/selection.py")
