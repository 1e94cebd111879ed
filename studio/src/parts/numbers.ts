const PERCENT = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat('en');

/** A share from 0 to 1 as a number of per cent, with one place. */
export const percent = (share: number): string => PERCENT.format(100 * share);

export const whole = (count: number): string => WHOLE.format(count);

export const many = (count: number, one: string, more = `${one}s`): string => `${whole(count)} ${count === 1 ? one : more}`;
