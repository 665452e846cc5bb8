import { startVsCode } from './vscode.ts';
import { openWorkbench } from './workbench.ts';
import { until } from '../support/wait.ts';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
const ws = mkdtempSync('/tmp/ws-'); rmSync('/tmp/proof-deactivated',{force:true});
const v = await startVsCode({workspace: ws, vsix:['/work/main/test/.cache/proof/proof.vsix']});
const t0=Date.now(); const log=(s:string)=>console.log(s, Date.now()-t0);
try {
const p = await v.page(); (globalThis as any).pg=p; const w = await openWorkbench(p); log('open');
p.setDefaultTimeout(15000);
await until('offered', async()=>{const o=await w.offeredCommands('proof'); console.log(o); return o.includes('proof: Say Hi')}); log('offered');
await w.command('proof: Say Hi'); log('cmd');
await w.toast('Hi there'); log('toast'); await w.pressInToast('Hi there','Do It'); await w.toast('Did it'); log('did');
await w.showContainer('Proof'); log('container');
await w.view('Things').getByRole('treeitem').first().waitFor(); console.log(await w.view('Things').getByRole('treeitem').evaluateAll(es=>es.map((e:any)=>e.getAttribute('aria-label')+' | '+e.innerText))); 
await w.command('Terminal: Create New Terminal'); await w.terminalIsShown(); await w.command('Create New Terminal (With Profile)'); await w.pick('proof (local)'); 
await w.terminalIsShown(); await w.typeInTerminal(`echo $PROOF > ${ws}/out`); 
await until('out', ()=>existsSync(ws+'/out')); console.log(readFileSync(ws+'/out','utf8')); log('terminal');
await p.screenshot({path:'/tmp/s2.png'});
await p.goto('about:blank'); await until('deact',()=>existsSync('/tmp/proof-deactivated')); log('deactivated');
} catch(e){ await (globalThis as any).pg?.screenshot({path:'/tmp/s2.png'}); throw e } finally { await (v as any).page;  await v.close(); }
