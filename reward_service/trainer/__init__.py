"""The reference trainer: the whole loop on one machine, an ordinary client of the service over HTTP.

Pure, no torch:

- `world`: generated entities, documents and questions of some hops
- `lessons`: demonstrations for the supervised warm-up
- `dialogue`: what a turn means, and what goes to the service
- `data`: questions and documents of files
- `options`: every setting, and the command line made of them
- `results`: metrics as JSON lines, also across a kill

Over HTTP or in another process:

- `rewards`: rollouts to the service, as groups or one at a time, and what comes back
- `local`: an index and a service of our own where no URL is given

With the extra `train`:

- `search`: BM25 over the documents
- `chat`: a tokenizer and its chat template: prompts, what stands between turns, where a turn ends
- `policy`: a small model made here, or a checkpoint from disk
- `sampling`: rollouts in batches over one key-value cache
- `losses`: one function a loss
- `update`: a batch of rollouts to one step of the optimiser
- `warmup`: the supervised warm-up, cached by the digest of its configuration
- `evaluate`, `checkpoint`, `figure`
- `train`: the loop itself; begin there
"""
