"""DNA as a signal: nucleotides -> numeric signals -> spectrograms -> 224x224 RGB pictures.

Nothing is imported here, so that ``import specgen`` is free; the modules are the public names::

    sequences, records            letters, codes, files
    representations               codes -> numeric signal
    spectrogram, colour, image    signal -> STFT -> RGB picture
    simulate                      made-up transcripts, the embedded default data
    jobs, plot                    rendering jobs, drawings for people
"""

__version__ = "0.1.0"
