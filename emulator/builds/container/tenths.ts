/** For progress that is shown as lines: calls back at each tenth of a hundred, once. */
export function tenths(show: (percent: number) => void): (percent: number) => void {
  let last = 0;
  return (percent) => {
    const tenth = Math.floor(percent / 10) * 10;
    if (tenth > last) show(tenth);
    last = Math.max(last, tenth);
  };
}
