raise ImportError("a light test imports trl: list its file in tests/selection.py")
