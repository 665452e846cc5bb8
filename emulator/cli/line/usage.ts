/** What `minifal --help` prints. */
export const usage = `minifal: fal Serverless on this machine

  minifal start [--port N] [--data DIR]     start the emulator, or join the one that runs on DIR
  minifal env [--format F] [--data DIR]     print the variables that point fal's tools here
                                            (F: sh, fish, powershell, json, dotenv; default: your shell)
  minifal status [--port N] [--data DIR]    what runs: apps, runners, queues
  minifal stop [--port N] [--data DIR]      stop the emulator that runs on DIR, or on port N when its folder is gone
  minifal clean [--data DIR]                free disk space: environments that no app uses, finished requests,
                                            expired files (apps, secrets and /data stay)

  --port N    first of four ports: API N, run N+1, queue N+2, ws N+3 (default 4710; 0: free ports from the system)
  --retention-days N     (start) keep finished requests and their results N days (default 30)
  --allow-origin ORIGIN  (start) web pages of this origin may call, e.g. http://localhost:3000; may be repeated
  --max-runners N        (start) run at most N runners at once, others wait for room (default: by memory and cores)
  --gpu-slots N          (start) runners of GPU machine types take num_gpus of N slots each (1 by default), others wait
                         for a slot; one GPU app that calls another needs two (default: no limit, they share the GPU)
  --isolation MODE       (start) what a runner has of its own: off (/data and /app), disk (also a disk, wiped at its
                         end), full (also addresses); what this machine can't do is said once (default: full)
  --share PATH[:rw]      (start) a folder of this machine that runners with a disk of their own see, read-only or (:rw)
                         to write to as well; may be repeated (default: homes and temporary files aren't seen)
  --hugging-face MODE    (start) your Hugging Face cache in such runners: off (they keep models in /data), read (yours,
                         and what they download goes with them), write (yours, and they add to it) (default: off)
  --allow-outside        (start) programs of apps may listen where other machines reach them, without a key; else that
                         is a runner's end, unless runners have addresses of their own (--isolation full)
  --time-scale N         (start) delays of the platform pass N times as fast (1 to 1000): keep_alive, scaling_delay,
                         back-off after failed starts, pauses before retries, health check intervals; what an app
                         and its callers take (setup, requests, termination grace, every timeout) stays as it is
  --data DIR  where everything is kept (default: $MINIFAL_DATA, else ~/.minifal)
`;
