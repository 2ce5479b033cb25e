raise ImportError("a light test imports datasets: list its file in tests/selection.py")
