/** Whether names such as `App` and `endpoint` come from this module. */
export function isFal(module: string): boolean {
  return module === 'fal' || module === 'fal.app' || module === 'fal.api' || module === 'fal.wma';
}
