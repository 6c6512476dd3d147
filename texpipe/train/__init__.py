"""Fine-tuning and evaluation.

`trainer` is the loop: `preparation` before it, `steps` in it, `output` after it; `schema` and `presets` say how.
`files`, `collection`, `degradation`, `degrade` and `dataset` make the pairs to learn from; `losses` and `features`
compare; `validation`, `metrics` and `evaluate` judge.
"""
