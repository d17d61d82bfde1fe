"""Untrusted bytes become values, or a refusal: files, JSON, safetensors, floating-point words."""
