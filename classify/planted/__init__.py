"""Made-up sequences with motifs planted at known places, and how well a perfect detector of them could tell the classes apart."""
