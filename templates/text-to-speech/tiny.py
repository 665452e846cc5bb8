"""A small stand-in for the model, made here: of the same class, with random weights. It runs on a CPU and makes noise,
to try out everything but the voice."""

import json
from pathlib import Path


def make_tiny_model(folder: Path) -> str:
    """Saves the model and its tokenizer as `from_pretrained` expects them, and returns the folder."""
    import torch
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    words = ["<pad>", *"abcdefghijklmnopqrstuvwxyz '-", "<unk>"]
    vocab = folder / "vocab.json"
    vocab.write_text(json.dumps({word: number for number, word in enumerate(words)}))
    tokenizer = VitsTokenizer(str(vocab), pad_token="<pad>", unk_token="<unk>", phonemize=False, is_uroman=False)
    torch.manual_seed(0)
    model = VitsModel(
        VitsConfig(
            vocab_size=len(words),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            ffn_dim=32,
            flow_size=32,
            spectrogram_bins=9,
            duration_predictor_num_flows=2,
            duration_predictor_filter_channels=16,
            posterior_encoder_num_wavenet_layers=1,
            prior_encoder_num_flows=2,
            prior_encoder_num_wavenet_layers=1,
            upsample_initial_channel=32,
            # Like the real one: 256 samples of sound for each step.
            upsample_rates=[8, 8, 2, 2],
            upsample_kernel_sizes=[16, 16, 4, 4],
            resblock_kernel_sizes=[3],
            resblock_dilation_sizes=[[1, 3]],
        )
    )
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return str(folder)
