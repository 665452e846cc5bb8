import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call } from '../support/http.ts';
import { mustRun } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { cacheDir, root } from '../support/root.ts';
import { findUv } from '../support/uv.ts';

let emulator: Emulator;
let project: Project;

/** Records every name lookup and every connection, and lets none of them leave the machine. */
const app = `
import ipaddress, os, socket
import fal
from fal.toolkit import File, Image, KVStore
from pydantic import BaseModel

class Text(BaseModel):
    text: str = ""

def managed():
    """What the runner's own key gets where apps are managed."""
    import grpc, httpx
    host, key = os.environ["FAL_HOST"], os.environ["FAL_KEY"]
    assert key == os.environ["FAL_KEY_ID"] + ":" + os.environ["FAL_KEY_SECRET"]
    print("the key is", key)
    certificates = open(os.environ["SSL_CERT_FILE"], "rb").read()
    channel = grpc.secure_channel(host, grpc.ssl_channel_credentials(certificates))
    metadata = [("auth-key-id", os.environ["FAL_KEY_ID"]), ("auth-key", os.environ["FAL_KEY_SECRET"])]
    seen = set()
    for name in ("ListApplications", "ListSecrets", "ListUserKeys", "ListRunners", "CreateUserKey", "Run"):
        try:
            list(channel.unary_stream("/controller.IsolateController/" + name)(b"", metadata=metadata))
            seen.add(name)
        except grpc.RpcError as error:
            seen.add(error.code().name)
    headers = {"authorization": "Key " + key}
    get = lambda path: httpx.get("https://" + host + path, headers=headers).status_code
    return [sorted(seen), get("/logs/"), get("/minifal/status"), get("/runners/x"), get("/users/current")]

class Talker(fal.App, keep_alive=60, max_concurrency=2):
    machine_type = "XS"
    requirements = ["fal_client==1.0.3", "pillow"]

    def setup(self):
        self.left = left = []
        ask, connect = socket.getaddrinfo, socket.socket.connect
        def asked(host, *args, **options):
            if host not in (None, "localhost", "127.0.0.1", "::1"):
                left.append(str(host))
                raise socket.gaierror("no network")
            return ask(host, *args, **options)
        def connected(sock, address):
            if isinstance(address, tuple) and not ipaddress.ip_address(socket.gethostbyname(address[0])).is_loopback:
                left.append(str(address))
                raise OSError("no network")
            return connect(sock, address)
        socket.getaddrinfo, socket.socket.connect = asked, connected

    @fal.endpoint("/echo")
    def echo(self, input: Text) -> Text:
        return input

    @fal.realtime("/realtime")
    def realtime(self, input: Text) -> Text:
        return input

    @fal.endpoint("/everything")
    def everything(self) -> dict:
        import fal_client, fal_client.client, httpx
        name = "local/clients"
        out = {}
        store = KVStore("db")
        store.set("k", "v")
        out["kv"] = [store.get("k"), store.delete("k"), store.get("k")]
        out["upload"] = httpx.get(fal_client.upload(b"one", "text/plain")).text
        out["storage"] = httpx.get(fal_client.upload(b"two", "text/plain", repository="fal")).text
        fal_client.client.MULTIPART_THRESHOLD = 1024
        out["parts"] = len(httpx.get(fal_client.upload(b"x" * 5000, "text/plain")).content)
        for repository in ("fal_v3", "fal", "cdn"):
            file = File.from_bytes(b"three", repository=repository, fallback_repository=None)
            out["toolkit " + repository] = httpx.get(file.url).text
        out["image"] = Image.from_bytes(b"png", "png").url.startswith("https://localhost:")
        out["run"] = fal_client.run(name, {"text": "r"}, path="/echo")["text"]
        out["queue"] = fal_client.subscribe(name + "/echo", {"text": "q"})["text"]
        with fal_client.realtime(name) as connection:
            connection.send({"text": "ws"})
            out["realtime"] = connection.recv()["text"]
        out["managed"] = managed()
        out["left"] = self.left
        return out
`;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, { 'app.py': app });
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

describe("fal's own packages inside a runner", () => {
  it('reach this emulator for everything, though nothing moves their hosts, and no call leaves the machine', {
    timeout: 300_000,
  }, async () => {
    await project.mustFal('deploy', 'app.py::Talker', '--app-name', 'clients');
    const program = `
import json, fal_client
print(json.dumps(fal_client.run("local/clients", {}, path="/everything")))`;
    expect(await project.pythonJson(program)).toEqual({
      kv: ['v', null, null],
      upload: 'one',
      storage: 'two',
      parts: 5000,
      'toolkit fal_v3': 'three',
      'toolkit fal': 'three',
      'toolkit cdn': 'three',
      image: true,
      run: 'r',
      queue: 'q',
      realtime: 'ws',
      managed: [['PERMISSION_DENIED'], 403, 403, 403, 200],
      left: [],
    });
    const log = await (await call(emulator, 'api', '/logs/?limit=1000')).text();
    const [, id = '', shown] = /the key is runner-([-0-9a-f]+):([*0-9a-f]+)/.exec(log) ?? [];
    expect(shown).toMatch(/^\*{8}[0-9a-f]{32}$/);
    const stolen = await call(emulator, 'api', '/users/current', {
      headers: { authorization: `Key runner-${id}:${shown}` },
    });
    expect(stolen.status).toBe(401);
  });
});

const sdks = ['1.57.0', '1.59.0', '1.62.0', '1.66.0', '1.70.0', '1.75.5', '1.79.1', '1.83.0'].map((v) => `fal==${v}`);
const clients = ['0.9.0', '0.10.0', '0.12.0', '0.13.0', '1.0.0', '1.0.3'].map((v) => `fal-client==${v}`);

/** Installs one release without its dependencies. */
async function unpacked(release: string): Promise<string> {
  const folder = join(cacheDir, 'releases', release);
  if (!existsSync(folder)) {
    await mustRun(await findUv(), ['pip', 'install', '--quiet', '--no-deps', '--target', folder, release]);
  }
  return folder;
}

/**
 * Prints each string in the release's code that contains one of fal's hosts and isn't assigned to a name of the table,
 * and the values of those names after the release was imported as in a runner.
 */
const search = `
import ast, importlib, json, os, pathlib, re, sys
folder, runner = sys.argv[1:]
sys.path[:0] = [folder, runner]
import boot
boot.make_package()
from minifal_runner.inside import hosts
host = re.compile(r"^(https?://|wss?://)?([a-z0-9]+\\.)*(fal\\.(run|media|ai|dev)|falrun\\.com)(/|$)")
found = set()
for path in pathlib.Path(folder).glob("fal*/**/*.py"):
    if {"cli", "console"} & set(path.parts): continue
    tree = ast.parse(path.read_text())
    names = {id(part): target.id for node in ast.walk(tree) if isinstance(node, ast.Assign)
             for target in node.targets if isinstance(target, ast.Name) for part in ast.walk(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and host.match(node.value):
            name = names.get(id(node), "-")
            if name not in hosts._CONSTANTS: found.add(f"{path.name}: {name} {node.value}")
hosts.install()
bound = {}
for name in ("fal_client.client", "fal.flags", "fal.apps", "fal.api", "fal.toolkit.kv",
             "fal.toolkit.file.providers.fal"):
    if pathlib.Path(folder, name.split(".")[0]).exists():
        module = importlib.import_module(name)
        assert module.__file__.startswith(folder), module.__file__
        bound.update({name: value for name, value in vars(module).items() if name in hosts._CONSTANTS})
print(json.dumps({"found": sorted(found), "bound": bound}))
`;

/**
 * Never called: pages for login and errors, backup names of unused hosts, and hosts that 1.57 to 1.70 replace by
 * FAL_HOST.
 */
const harmless = new RegExp(
  '^(auth0\\.py: (AUTH0_DOMAIN|WEBSITE_URL|-) |auth\\.py: AUTH0_DOMAIN |_errors\\.py: ERROR_URL |' +
    'client\\.py: _BACKUP_DOMAINS |fal\\.py: grpc_host api\\.alpha\\.fal\\.ai$)',
);

describe('the hosts that releases have built in', () => {
  it.each([...sdks, ...clients])('of %s are those that a runner replaces', async (release) => {
    const folder = await unpacked(release);
    const { python } = await pythonTools();
    const runner = join(root, 'emulator', 'runner');
    const [api, run, queue, ws] = ['localhost:1', 'localhost:2', 'localhost:3', 'localhost:4'];
    const variables = { FAL_REST_HOST: api, FAL_RUN_HOST: run, FAL_QUEUE_RUN_HOST: queue, FAL_WS_RUN_HOST: ws };
    const env = { ...process.env, ...variables, FAL_HOST: api, FAL_KEY: 'id:secret', HOME: cacheDir };
    const { found, bound } = JSON.parse(execFileSync(python, ['-c', search, folder, runner], { env }).toString());
    expect(found.filter((entry: string) => !harmless.test(entry))).toEqual([]);
    const ours = /^((https|wss):\/\/)?localhost:[1-4](\/|$)/;
    expect(Object.values<string>(bound).filter((value) => !ours.test(value))).toEqual([]);
    if (release.startsWith('fal='))
      expect(bound).toMatchObject({ REST_HOST: api, _WS_URL_FORMAT: `wss://${ws}/{app_id}` });
    else expect(bound).toMatchObject({ REST_URL: `https://${api}`, QUEUE_URL_FORMAT: `https://${queue}/` });
  });
});
