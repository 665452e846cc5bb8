export { defaultsOf, fill, type Values } from '../../emulator/local/templates/fill.ts';
export { appNameOf, objection, type Variable } from '../../emulator/local/templates/manifest.ts';
export { readTemplates, type Template } from '../../emulator/local/templates/read.ts';
