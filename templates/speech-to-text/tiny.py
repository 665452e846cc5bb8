"""A small stand-in for the model, made here: of the same classes, with random weights. It runs on a CPU and writes
nonsense, to try out everything but the quality of the text."""

from pathlib import Path

LANGUAGES = ["en", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "zh"]


def make_tiny_model(folder: Path) -> str:
    """Saves the model and its processor as `from_pretrained` expects them, and returns the folder."""
    import torch
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )

    # Each byte is a token; what Whisper uses as signs are tokens, too.
    letters = sorted(ByteLevel.alphabet())
    vocab = {letter: number for number, letter in enumerate(letters)}
    signs = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{one}|>" for one in LANGUAGES)]
    signs += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    number = {sign: len(vocab) + at for at, sign in enumerate(signs)}
    tokenizer = WhisperTokenizer(vocab={**vocab, "<|endoftext|>": number["<|endoftext|>"]}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": signs[1:]})

    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=len(tokenizer),
            num_mel_bins=80,
            d_model=32,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            bos_token_id=number["<|endoftext|>"],
            eos_token_id=number["<|endoftext|>"],
            pad_token_id=number["<|endoftext|>"],
            decoder_start_token_id=number["<|startoftranscript|>"],
        )
    )
    # Only words of some letters, so that there is something to read.
    readable = {vocab[letter] for letter in "aeinorstĠ"}
    model.generation_config = GenerationConfig(
        is_multilingual=True,
        lang_to_id={f"<|{one}|>": number[f"<|{one}|>"] for one in LANGUAGES},
        task_to_id={one: number[f"<|{one}|>"] for one in ["transcribe", "translate"]},
        no_timestamps_token_id=number["<|notimestamps|>"],
        decoder_start_token_id=number["<|startoftranscript|>"],
        eos_token_id=number["<|endoftext|>"],
        pad_token_id=number["<|endoftext|>"],
        max_length=448,
        no_repeat_ngram_size=3,
        suppress_tokens=[one for one in range(len(tokenizer)) if one not in readable],
    )
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(folder)
    model.save_pretrained(folder)
    return str(folder)
