/**
 * The special functions behind intervals and tests. They are implemented here because no npm package is both small and
 * accurate to 1e-10: those of jstat are wrong from the tenth digit on, those of stdlib bring in 235 packages. Golden
 * values from SciPy are in fixtures/scipy.json.
 */

const halfLogTwoPi = 0.9189385332046727;
/** Coefficients of Stirling's series after its leading terms (NIST DLMF 5.11.1): B(2k) / (2k (2k - 1)), k from 1. */
const stirling = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156] as const;

/** The natural logarithm of the gamma function of a positive number. */
export function logGamma(x: number): number {
  // the series is accurate to 1e-16 from 12 on; below that, gamma(x) = gamma(x + 1) / x
  let product = 1;
  let at = x;
  for (; at < 12; at++) product *= at;
  let series = 0;
  for (let k = stirling.length - 1; k >= 0; k--) series = series / (at * at) + stirling[k]!;
  return (at - 0.5) * Math.log(at) - at + halfLogTwoPi + series / at - Math.log(product);
}

export const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b);

/** The logarithm of the number of ways to choose k of n. */
export const logChoose = (n: number, k: number): number =>
  logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);

/** The distribution function of the beta distribution: the regularised incomplete beta function I_x(a, b). */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // the continued fraction converges fast only on one side of the mean
  return x > (a + 1) / (a + b + 2) ? 1 - lower(1 - x, b, a) : lower(x, a, b);
}

/** The continued fraction of NIST DLMF 8.17.22, evaluated by Lentz's method. */
function lower(x: number, a: number, b: number): number {
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a;
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny);
  let value = d;
  for (let m = 1; m < 100_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d || tiny);
    c = 1 + even / c || tiny;
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d || tiny);
    c = 1 + odd / c || tiny;
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return front * value;
}

/** The quantile of the beta distribution: the x with a share `q` of the distribution below it. */
export function betaQuantile(q: number, a: number, b: number): number {
  if (q <= 0) return 0;
  if (q >= 1) return 1;
  let [low, high] = [0, 1];
  let x = a / (a + b);
  const norm = logBeta(a, b);
  // Newton's method; halves the bracket where a step would leave it
  for (let i = 0; i < 200 && high - low > 4e-16 * high; i++) {
    const error = betaCdf(x, a, b) - q;
    if (error === 0) return x;
    if (error > 0) high = x;
    else low = x;
    const density = Math.exp((a - 1) * Math.log(x) + (b - 1) * Math.log1p(-x) - norm);
    const next = x - error / density;
    const inside = next > low && next < high;
    const step = inside ? next : low === 0 ? high / 16 : (low + high) / 2;
    if (inside && Math.abs(step - x) < 1e-15 * x) return step;
    x = step;
  }
  return x;
}

/** The quantile of Student's t distribution with `df` degrees of freedom (not necessarily whole); `q` above 0.5. */
export function studentQuantile(q: number, df: number): number {
  // t² / (df + t²) has a beta distribution
  const share = betaQuantile(2 * q - 1, 0.5, df / 2);
  return Math.sqrt((df * share) / (1 - share));
}

/** The two-sided p-value of `t` under Student's t distribution with `df` degrees of freedom (not necessarily whole). */
export const studentTails = (t: number, df: number): number => betaCdf(df / (df + t * t), df / 2, 0.5);
