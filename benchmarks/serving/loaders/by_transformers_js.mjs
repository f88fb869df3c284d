// transformers.js: load a result under Node, and write what it answers, as harness.py does.
//
//     node by_transformers_js.mjs MODULES DIRECTORY KIND TEXTS ANSWERS

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, basename, join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, result, kind, texts, answers] = process.argv.slice(2);
const found = createRequire(join(modules, "package.json")).resolve("@huggingface/transformers");
const transformers = await import(pathToFileURL(found));
const { AutoModelForSequenceClassification, AutoTokenizer, env, pipeline } = transformers;

console.log("the consumer is imported");
console.error("the consumer is imported");

const uneven = "auto_map" in JSON.parse(readFileSync(join(result, "config.json"), "utf-8"));
const directory = uneven ? join(result, "onnx") : result;
const options = { dtype: "fp32", ...(uneven ? { subfolder: "" } : {}) };
env.allowRemoteModels = false;
env.localModelPath = dirname(directory);
const name = basename(directory);
const given = JSON.parse(readFileSync(texts, "utf-8"));

const answer = {
  encoder: async () => {
    const embed = await pipeline("feature-extraction", name, options);
    return ["embeddings", (await embed(given, { pooling: "mean", normalize: true })).tolist()];
  },
  classifier: async () => {
    const classify = await pipeline("text-classification", name, options);
    const rows = await classify(given, { top_k: null });
    const ids = classify.model.config.label2id;
    const inOrder = (row) => row.toSorted((one, other) => ids[one.label] - ids[other.label]);
    return ["probabilities", rows.map((row) => inOrder(row).map((one) => one.score))];
  },
  reranker: async () => {
    const tokenizer = await AutoTokenizer.from_pretrained(name);
    const model = await AutoModelForSequenceClassification.from_pretrained(name, options);
    const inputs = tokenizer(
      given.map(([query]) => query),
      { text_pair: given.map(([, passage]) => passage), padding: true, truncation: true },
    );
    return ["logits", (await model(inputs)).logits.tolist()];
  },
};
const [quantity, values] = await answer[kind]();
const versions = { "@huggingface/transformers": env.version };
writeFileSync(answers, JSON.stringify({ quantity, values, versions }));
