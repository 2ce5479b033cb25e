raise ImportError("a light test imports vllm: list its file in tests/selection.py")
