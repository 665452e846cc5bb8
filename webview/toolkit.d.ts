// The toolkit's ready bundle has no types of its own. It is 170 kB; its modules would be 290 kB.
declare module '@vscode/webview-ui-toolkit/dist/toolkit.min.js' {
  export * from '@vscode/webview-ui-toolkit';
}
