import { rgb } from 'd3-color';
import { interpolateLab } from 'd3-interpolate';
import { scaleLinear } from 'd3-scale';

/** The colours of a theme, dark or light. */
export interface Colours {
  readonly isDark: boolean;
  /** The background colour of a rate from 0 to 1, and a text colour that is readable on it. */
  readonly ofRate: (rate: number) => { readonly back: string; readonly ink: string };
  readonly lines: readonly string[];
}

/** What does not freeze stands out; certain success is pale. Red to blue, so that nobody has to tell red from green. */
const ramps = {
  light: ['#a3122f', '#df7a4f', '#f5dba3', '#dbe9f3'],
  dark: ['#f0788a', '#c4703f', '#77683a', '#22384a'],
} as const;

/** M. Okabe and K. Ito's palette for all types of colour vision, without its yellow. */
const lines = {
  light: ['#0072b2', '#d55e00', '#009e73', '#8f4a77', '#5b6470', '#2f86b8'],
  dark: ['#56b4e9', '#e69f00', '#2fc79b', '#d98bb9', '#aab4bf', '#8cc5ee'],
} as const;

const dark = matchMedia('(prefers-color-scheme: dark)');

export function colours(): Colours {
  const theme = dark.matches ? 'dark' : 'light';
  const scale = scaleLinear<string>()
    .domain([0, 0.5, 0.9, 1])
    .range(ramps[theme])
    .interpolate(interpolateLab)
    .clamp(true);
  return {
    isDark: dark.matches,
    ofRate: (rate) => {
      const back = scale(rate);
      return { back, ink: luminance(back) > 0.179 ? '#000' : '#fff' };
    },
    lines: lines[theme],
  };
}

/** Calls back when the theme changes. */
export function onTheme(then: () => void): void {
  dark.addEventListener('change', then);
}

/** The relative luminance of WCAG 2; at 0.179 black and white contrast equally, at 4.6 to one. */
function luminance(colour: string): number {
  const { r, g, b } = rgb(colour);
  const linear = (channel: number): number => {
    const share = channel / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}
