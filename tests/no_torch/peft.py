raise ImportError("a light test imports peft: list its file in tests/selection.py")
