import { candidates, cover, scenarios, stop } from '../harness/testing/coverage.ts';

/** `npx tsx scripts/coverage.ts [CELLS]`: how often each interval for trials in boots contains the rate, simulated. */
const times = Number(process.argv[2] ?? 200);
const iccs = [0, 0.05, 0.2, 0.5];
const percent = (share: number): string => (100 * share).toFixed(1);
const heads = iccs.map((icc) => `icc ${icc}`);
console.log(`| mean / least % held, mean width | ${heads.join(' | ')} |`);
console.log(`| --- | ${heads.map(() => '---').join(' | ')} |`);
for (const [name, candidate] of Object.entries(candidates)) {
  const figures = iccs.map((icc) => {
    const all = scenarios(icc).map((scenario) => cover(candidate, scenario, times));
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, one) => sum + one, 0) / all.length;
    const held = all.map((one) => one.held);
    const width = mean(all.map((one) => one.width));
    return `${percent(mean(held))} / ${percent(Math.min(...held))}, ${width.toFixed(2)}`;
  });
  console.log(`| ${name} | ${figures.join(' | ')} |`);
}

console.log(
  '\nMeasured until known to ±0.1 (min 10, max 200, rounds of five boots): held at every trial %, trials',
);
console.log(`| rate | ${heads.join(' | ')} |`);
console.log(`| --- | ${heads.map(() => '---').join(' | ')} |`);
for (const rate of [0.5, 0.8, 0.95, 0.99]) {
  const figures = iccs.map((icc) => {
    const { always, trials } = stop({ rate, icc }, { min: 10, halfWidth: 0.1 }, times);
    return `${percent(always)}, ${trials.toFixed(0)}`;
  });
  console.log(`| ${rate} | ${figures.join(' | ')} |`);
}
