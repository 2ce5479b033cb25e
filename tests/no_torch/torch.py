raise ImportError("a light test imports torch: list its file in tests/conftest.py")
