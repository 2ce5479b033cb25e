raise ImportError("a light test imports accelerate: list its file in tests/selection.py")
