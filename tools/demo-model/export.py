"""Writes a trained model as a gpt-oss checkpoint in Hugging Face layout."""
import json
import os

import torch
from safetensors.torch import save_file

from model import mxfp4_parts

CODES = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])


def pack(w):
    """[E, rows, K] -> blocks u8 [E, rows, K/32, 16], low nibble first, and scales u8 [E, rows, K/32]."""
    exponent, values = mxfp4_parts(w)
    code = torch.searchsorted(CODES, values.abs().contiguous()) + 8 * (values < 0)
    code = code.to(torch.uint8)
    return (code[..., 0::2] | code[..., 1::2] << 4).contiguous(), (exponent.squeeze(-1) + 127).to(torch.uint8)


def tensors(model):
    c, out = model.c, {}
    q, kv = c["heads"] * c["head_dim"], c["kv_heads"] * c["head_dim"]

    def bf16(name, t):
        out[name] = t.detach().to(torch.bfloat16).contiguous()

    bf16("model.embed_tokens.weight", model.embed)
    bf16("model.norm.weight", model.norm)
    bf16("lm_head.weight", model.head)
    for n, l in enumerate(model.layers):
        p = f"model.layers.{n}."
        bf16(p + "input_layernorm.weight", l.norm1)
        bf16(p + "post_attention_layernorm.weight", l.norm2)
        for kind, w, b in zip("qkv", l.qkv.split((q, kv, kv)), l.qkv_bias.split((q, kv, kv))):
            bf16(f"{p}self_attn.{kind}_proj.weight", w)
            bf16(f"{p}self_attn.{kind}_proj.bias", b)
        bf16(p + "self_attn.o_proj.weight", l.out)
        bf16(p + "self_attn.o_proj.bias", l.out_bias)
        bf16(p + "self_attn.sinks", l.sinks)
        bf16(p + "mlp.router.weight", l.router)
        bf16(p + "mlp.router.bias", l.router_bias)
        for kind, w, b in (("gate_up", l.gate_up, l.gate_up_bias), ("down", l.down, l.down_bias)):
            blocks, scales = pack(w.detach())
            out[f"{p}mlp.experts.{kind}_proj_blocks"], out[f"{p}mlp.experts.{kind}_proj_scales"] = blocks, scales
            bf16(f"{p}mlp.experts.{kind}_proj_bias", b)
    return out


def config_json(c, ids):
    return {
        "architectures": ["GptOssForCausalLM"], "attention_bias": True, "attention_dropout": 0.0,
        "eos_token_id": ids["<|return|>"], "experts_per_token": c["experts_per_token"], "head_dim": c["head_dim"],
        "hidden_act": "silu", "hidden_size": c["hidden"], "initial_context_length": int(c["original_context"]),
        "initializer_range": 0.02, "intermediate_size": c["intermediate"],
        "layer_types": ["full_attention" if n % 2 else "sliding_attention" for n in range(c["layers"])],
        "max_position_embeddings": 131072, "model_type": "gpt_oss", "num_attention_heads": c["heads"],
        "num_experts_per_tok": c["experts_per_token"], "num_hidden_layers": c["layers"],
        "num_key_value_heads": c["kv_heads"], "num_local_experts": c["experts"], "output_router_logits": False,
        "pad_token_id": ids["<|endoftext|>"],
        "quantization_config": {
            "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens",
                                       "lm_head"], "quant_method": "mxfp4"},
        "rms_norm_eps": c["eps"],
        "rope_scaling": {"beta_fast": c["beta_fast"], "beta_slow": c["beta_slow"], "factor": c["factor"],
                         "original_max_position_embeddings": int(c["original_context"]), "rope_type": "yarn",
                         "truncate": False},
        "rope_theta": int(c["theta"]), "router_aux_loss_coef": 0.9, "sliding_window": c["window"],
        "swiglu_limit": c["limit"], "tie_word_embeddings": False, "use_cache": True, "vocab_size": c["vocab"]}


def write(model, spec, folder):
    """All files of the checkpoint; each appears whole or not at all."""
    ids = {t["content"]: t["id"] for t in spec["added_tokens"]}
    template = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chat_template.jinja")
    with open(template) as f:
        chat = f.read()
    files = {
        "config.json": json.dumps(config_json(model.c, ids), indent=2) + "\n",
        "tokenizer.json": json.dumps(spec, ensure_ascii=False, indent=1) + "\n",
        "chat_template.jinja": chat,
        "generation_config.json": json.dumps({
            "bos_token_id": ids["<|startoftext|>"], "do_sample": True, "pad_token_id": ids["<|endoftext|>"],
            "eos_token_id": [ids["<|return|>"], ids["<|endoftext|>"], ids["<|call|>"]]}, indent=2) + "\n",
        "tokenizer_config.json": json.dumps({
            "added_tokens_decoder": {str(t["id"]): {k: v for k, v in t.items() if k != "id"}
                                     for t in spec["added_tokens"]},
            "bos_token": "<|startoftext|>", "eos_token": "<|return|>", "pad_token": "<|endoftext|>",
            "clean_up_tokenization_spaces": False, "model_input_names": ["input_ids", "attention_mask"],
            "model_max_length": 131072, "tokenizer_class": "PreTrainedTokenizerFast"}, indent=2) + "\n"}
    for name, text in files.items():
        with open(os.path.join(folder, name + ".new"), "w") as f:
            f.write(text)
        os.replace(os.path.join(folder, name + ".new"), os.path.join(folder, name))
    path = os.path.join(folder, "model.safetensors")
    save_file(tensors(model), path + ".new", metadata={"format": "pt"})
    os.chmod(path + ".new", 0o644)
    os.replace(path + ".new", path)
