"""Files of sequences whose labels are known: their formats, and what of them must not be told apart or lie on two sides."""
