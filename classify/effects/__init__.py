"""What variants do to what a network says: a VCF over a genome, the window of each allele beside that of the reference."""
