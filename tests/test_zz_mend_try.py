import json, sys
from pathlib import Path
import pytest
from bertslim.cli import run

RECIPE = {"version": 1, "name": "all_kinds", "surgery": [
 {"op":"prune_vocab"},
 {"op":"prune_heads","layers":[0,2],"heads":2},
 {"op":"resize_ffn","layers":[1],"width":16,"bypass":True},
 {"op":"share_ffn","layers":[0,2]},
 {"op":"drop_ffn","layers":[3],"fill":"linear","rank":8},
], "reconstruct":{"samples":40}}

@pytest.mark.parametrize(("mt","head","name","content"), [
 ("bert","SequenceClassification","a.tsv",None),
 ("distilbert","SequenceClassification","a.tsv",None),
 ("electra","TokenClassification","a.conll",None),
 ("roberta","QuestionAnswering","a.jsonl",None),
 ("bert","MaskedLM","a.txt",None),
 ("bert","","a.txt",None),
])
def test_all(mt, head, name, content, make_checkpoint, tmp_path, capfd, monkeypatch):
    import test_pipeline_quality as q
    content = {"a.tsv": q.CLASSES, "a.conll": q.TAGGED, "a.jsonl": q.QUESTIONS, "a.txt": "\n".join(q.TEXTS)}[name]
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(content)
    Path("r.yaml").write_text(json.dumps(RECIPE))
    pad = {"pad_token_id": 0} 
    base = make_checkpoint(mt, head, tokenizer=True, **pad)
    def go(*args, codes=(0,)):
        code = run(list(map(str,args)))
        out, err = capfd.readouterr()
        print(">>", args, code); print(out[-3000:]); print("ERR", err[-1500:])
        assert code in codes
    with capfd.disabled(): pass
    go("cut", base, "-r", "r.yaml", "--data", name, "-o", "slim", "--seconds", "0.2","--batch","1","--length","8","--launches","2","-q")
    go("inspect", "slim")
    go("report", "slim")
    go("export", "slim", "--onnx", "-q")
    go("check", "slim", "--base", base, "--max-latency-ratio", "9", "--minutes", "0.1", codes=(0,4))
    if head in ("SequenceClassification","TokenClassification","QuestionAnswering"):
        go("retrain", "slim", "--data", name, "-o", "again", "--epochs","1","--max-length","32","-q")
        go("export", "again", "--onnx", "-q")
        go("check", "again", "--base", "slim", "--max-latency-ratio", "9", "--minutes", "0.1", codes=(0,4))
