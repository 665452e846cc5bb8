// An extension without code: what an activation costs whatever it does.
export function activate(): void {}
