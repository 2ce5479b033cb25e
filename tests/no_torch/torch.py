raise ImportError("a light test imports torch: list its file in tests/selection.py")
