// In place of the package ssh2: minifal uses container engines of this machine only.
exports.Client = class {};
