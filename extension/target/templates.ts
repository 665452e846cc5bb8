export { fill, type Values } from '../../emulator/local/templates/fill.ts';
export { readTemplates, type Template } from '../../emulator/local/templates/read.ts';
