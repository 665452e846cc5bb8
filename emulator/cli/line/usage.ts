/** What `minifal --help` prints. */
export const usage = `minifal: fal Serverless on this machine

  minifal start [--port N] [--data DIR]     start the emulator, or show the one that is already using DIR
  minifal env [--format F] [--data DIR]     print the variables that point fal's tools to the emulator
                                            (F: sh, fish, powershell, json, dotenv; default: your shell)
  minifal run REF [--watch]                 run an app as \`fal run\` does; with --watch, reload it with each save (see
                                            \`minifal run --help\`)
  minifal new [TEMPLATE] [FOLDER]           create an app from a template (see \`minifal new --help\`)
  minifal check [PATH] [--public] [--json]  look for mistakes in apps, without running them (see \`minifal
                                            check --help\`)
  minifal status [--port N] [--data DIR]    show apps, runners and waiting requests
  minifal why ID                            why a request (its number or id), a runner (its id) or an app (its name)
                                            waits, with what was observed and what would change it
  minifal open [APP] [--print]              show the log, or that of an app, in your browser (--print: print the
                                            address, which works once)
  minifal gpu fault N [--kind K]            make a fault in the virtual GPU N of --gpus: its runner answers with 503
                                            and is replaced (K: out-of-memory, error; default: out-of-memory)
  minifal stop [--port N] [--data DIR]      stop the emulator that is using DIR, or the one on port N if its folder
                                            no longer exists
  minifal clean [--data DIR]                free disk space: remove environments that no app uses, finished requests
                                            and expired files (apps, secrets and /data are kept)

  --port N    first of four ports: API N, run N+1, queue N+2, ws N+3 (default 4710; 0: any free ports)
  --retention-days N     (start) keep finished requests and their results for N days (default 30)
  --allow-origin ORIGIN  (start) allow calls from web pages of this origin, e.g. http://localhost:3000; repeatable
  --max-runners N        (start) run at most N runners at a time; others wait (default: by memory and cores)
  --gpu-sharing          (start) let any number of runners share the GPUs. Otherwise each runner of a GPU machine type
                         has num_gpus GPUs of its own (default 1), and others wait
  --gpu-slots N          (start) let runners of GPU machine types share N slots: each takes num_gpus of them; a GPU app
                         that calls another one needs two (default: one per GPU; no limit if nvidia-smi finds none)
  --gpu-mapping MODE     (start) which GPUs runners of GPU machine types get: any, strict (only GPUs of their type; an
                         app for others is refused) (default: any)
  --gpus 2xH100          (start) replace this machine's GPUs by virtual ones: runners take turns as on real GPUs, but
                         don't see any
  --machine-limits MODE  (start) what happens to a runner that uses more memory than its machine type has: off,
                         warn (its log says so), enforce (it is ended, as in the cloud) (default: warn)
  --isolation MODE       (start) what each runner has of its own: off (/data and /app), disk (also a disk, wiped when
                         the runner ends), full (also IP addresses). Prints what this machine doesn't support
                         (default: full)
  --share PATH[:rw]      (start) give runners with a disk of their own access to this folder, read-only or (:rw) read
                         and write; repeatable (default: home folders and temporary files are hidden)
  --hugging-face MODE    (start) access of such runners to your Hugging Face cache: off (models are kept in /data),
                         read (they use yours; what they download is lost when they end), write (they also add to
                         it) (default: off)
  --allow-outside        (start) let programs of apps listen where other machines can reach them without a key.
                         Otherwise such a runner is ended, unless runners have their own addresses (--isolation full)
  --time-scale N         (start) make the platform's delays pass N times as fast (1 to 1000): keep_alive,
                         scaling_delay, back-off after failed starts, pauses before retries, health check intervals.
                         The time that apps and callers take (setup, requests, termination grace, every timeout)
                         doesn't change
  --data DIR  where everything is kept (default: $MINIFAL_DATA, or ~/.minifal)
  --json      print status, variables and errors as JSON
  --help      show this help
  --version   show the version
`;
