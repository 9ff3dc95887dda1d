"""Why a model says what it says: attribution to letters, maps over pictures, and measurements of how good both are."""
