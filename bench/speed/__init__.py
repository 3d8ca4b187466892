"""How quick a stage is beside what one would use in its place. One file a measure: `measure(size, rounds, folder)`.

Each runs in a process of its own: `python -m bench.speed MEASURE SIZE ROUNDS FOLDER`.
"""
