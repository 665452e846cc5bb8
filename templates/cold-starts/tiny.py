"""A small stand-in for the model, made here: of the same class, with random weights. It runs on a CPU, to try out
everything but the quality of the embeddings."""

from pathlib import Path


def make_tiny_model(folder: Path) -> str:
    """Saves the model and its tokenizer as `from_pretrained` expects them, and returns the folder."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    # Each letter is a token, and another one inside a word.
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'-"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = BertTokenizer(vocab={word: number for number, word in enumerate(words)})
    torch.manual_seed(0)
    model = BertModel(
        BertConfig(
            vocab_size=len(words),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
        )
    )
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return str(folder)
