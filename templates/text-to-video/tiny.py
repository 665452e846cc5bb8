"""A small stand-in for the model, made here: of the same classes, with random weights. It runs on a CPU and films
noise, to try out everything but the quality of the videos."""

from pathlib import Path


def make_tiny_model(folder: Path) -> str:
    """Saves the pipeline as `from_pretrained` expects it, and returns the folder."""
    import torch
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

    torch.manual_seed(0)
    # Each byte is a token.
    letters = ["<pad>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    words = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(letters)}, merges=[]))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>")
    text = UMT5EncoderModel(
        UMT5Config(vocab_size=len(letters), d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=4)
    )
    film = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=16,
        out_channels=16,
        text_dim=32,
        freq_dim=64,
        ffn_dim=32,
        num_layers=1,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=64,
    )
    # Like the real one, it makes a video of 8 times the width and height, and 4 frames of each step after the first.
    frames = AutoencoderKLWan(
        base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    WanPipeline(
        tokenizer=tokenizer,
        text_encoder=text,
        transformer=film,
        vae=frames,
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    ).save_pretrained(folder)
    return str(folder)
