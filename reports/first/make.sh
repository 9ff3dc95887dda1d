#!/usr/bin/env bash
# Regenerate everything in reports/first from the real data: the networks took 55 minutes on two loaded cores.
# A finished run is kept and an unfinished one is resumed, so the script can be stopped and started again.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-python}
DATA=${SPECGEN_DATA:-../shared/data}
NAME=human_s0

test -f runs/loci.csv || "$PYTHON" reports/coding/loci.py "$DATA/coding_noncoding/human_mrna_refseq.fa.gz" runs/loci.csv
"$PYTHON" -m classify baselines --config configs/coding/human.yaml --name "$NAME"
for model in conv7 conv5 conv3 inception; do
    run=runs/coding/$model/$NAME
    settings=(--config "configs/coding/$model.yaml" --config configs/coding/human.yaml --name "$NAME")
    if [ -f "$run/report.html" ] && [ ! -e "$run/INCOMPLETE" ]; then
        echo "$run: there"
    elif [ -f "$run/checkpoints/last.ckpt" ]; then
        "$PYTHON" -m classify train "${settings[@]}" --resume
    else
        "$PYTHON" -m classify train "${settings[@]}" --overwrite
    fi
done
"$PYTHON" -m classify compare runs/coding/{conv7,conv5,conv3,inception,length,length_mod3,gc,period3_snr,kmer3,kmer6}/"$NAME" \
    --out reports/first
for model in conv7 conv5 conv3 inception; do
    mkdir -p "reports/first/$model"
    run=runs/coding/$model/$NAME
    cp "$run"/figures/{history,confusion}.png "$run/metrics.json" "$run/metrics.csv" "$run/config.yaml" "reports/first/$model/"
done
