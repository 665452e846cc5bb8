/** 2 GiB - 1: what the SDK's channel allows both ways (docs/platform/control-plane.md#channel). */
export const maxMessageBytes = 2 ** 31 - 1;
