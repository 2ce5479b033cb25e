r"""The Han letters, for a class of `re`: f"[{HAN}]+" is \p{Han}+ of `regex`.

`re` knows no scripts, and reads mathematics in two thirds of the time.
"""

HAN = (
    "\u2e80-\u2e99\u2e9b-\u2ef3\u2f00-\u2fd5\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufa6d\ufa70-\ufad9\U00016fe2\U00016fe3\U00016ff0-\U00016ff6\U00020000-\U00033479"
)
