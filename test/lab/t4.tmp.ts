import { inExtensionHost } from './extension-host.ts';
import { mkdtempSync } from 'node:fs';
console.time('host');
console.log(await inExtensionHost({entry: import.meta.dirname+'/e.tmp.ts', workspace: mkdtempSync('/tmp/ws-'), vsix:['/work/main/test/.cache/proof/proof.vsix'], settings: {'minifal.port':0}}));
console.timeEnd('host');
