import { Button, CloseButton, FileButton, Select, Text } from '@mantine/core';
import { IconPhoto, IconPhotoOff } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { api } from '../../api/calls';
import type { Annotated, Case } from '../../api/types';
import { say } from '../../shell/say';
import { useRoom } from '../store';
import classes from './Case.module.css';

const TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'];

interface PictureProps {
  path: string;
  recipes: readonly string[];
  /** The policy of each recipe: one of the open file's stands first to be chosen. */
  policies: Readonly<Record<string, string>>;
  /** Who told which fact, and what was left out, once annotators have looked. */
  annotated: Annotated | null;
  setAnnotated: (annotated: Annotated | null) => void;
}

/** A picture by drop, paste or choice; the annotators of a recipe look at it when they are asked to. */
export function Picture({ path, recipes, policies, annotated, setAnnotated }: PictureProps) {
  const [picture, setPicture] = useState<File | null>(null);
  const [over, setOver] = useState(false);
  const [recipe, setRecipe] = useState<string | null>(recipes.find((one) => policies[one] === path) ?? recipes[0] ?? null);
  const [unseen, setUnseen] = useState<string | null>(null);
  const shown = useMemo(() => (picture ? URL.createObjectURL(picture) : null), [picture]);
  useEffect(
    () => () => {
      if (shown) URL.revokeObjectURL(shown);
    },
    [shown],
  );

  const take = useCallback(
    (file: File | null | undefined) => {
      if (!file) return;
      if (!TYPES.includes(file.type)) {
        say.note('That is no picture: PNG, JPEG, WebP and GIF can be looked at.');
        return;
      }
      setPicture(file);
      setAnnotated(null);
    },
    [setAnnotated],
  );

  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => TYPES.includes(type));
      if (file) take(file);
    };
    document.addEventListener('paste', paste);
    return () => document.removeEventListener('paste', paste);
  }, [take]);

  const looking = useMutation({
    mutationFn: (asked: { file: File; recipe: string }) => {
      const request = useRoom.getState().case.facts['query.text'];
      const text = request?.state === 'known' && typeof request.value === 'string' ? request.value : '';
      return api.annotate(asked.file, asked.recipe, path, text);
    },
    onSuccess: (told) => {
      const { case: held, setCase } = useRoom.getState();
      const facts: Case['facts'] = { ...held.facts };
      for (const [name, { state }] of Object.entries(told.facts)) facts[name] = state;
      setCase({ facts });
      setAnnotated(told);
    },
  });

  return (
    <div
      className={classes.drop}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files[0]);
      }}
    >
      {shown && picture ? (
        <>
          {unseen === shown ? (
            <span role="img" aria-label={`${picture.name}: it cannot be shown`} title="It cannot be shown: it may be damaged, or no picture">
              <IconPhotoOff size={28} stroke={1.4} aria-hidden />
            </span>
          ) : (
            <img src={shown} alt={`The picture of the case: ${picture.name}`} onError={() => setUnseen(shown)} />
          )}
          <div style={{ flex: '1 1 160px', minWidth: 0 }}>
            {recipes.length > 0 ? (
              <Select
                aria-label="Recipe whose annotators look at the picture"
                data={[...recipes]}
                value={recipe}
                onChange={setRecipe}
                allowDeselect={false}
                comboboxProps={{ shadow: 'md' }}
              />
            ) : (
              <Text size="xs">A recipe names the annotators that can look at it; this folder has none.</Text>
            )}
            <Button
              mt={6}
              loading={looking.isPending}
              disabled={recipe === null}
              onClick={() => recipe && looking.mutate({ file: picture, recipe })}
            >
              Have it looked at
            </Button>
          </div>
          <CloseButton
            aria-label="Take the picture away"
            onClick={() => {
              setPicture(null);
              setAnnotated(null);
            }}
          />
          {annotated && annotated.left_out.length > 0 ? (
            <Text size="xs" w="100%">
              Not told: {annotated.left_out.map(({ fact, reason }) => `${fact} (${reason})`).join('; ')}
            </Text>
          ) : null}
        </>
      ) : (
        <>
          <IconPhoto size={18} stroke={1.6} aria-hidden />
          <span style={{ flex: '1 1 120px' }}>Drop or paste a picture, and annotators fill in what it shows.</span>
          <FileButton accept={TYPES.join(',')} onChange={take}>
            {(props) => (
              <Button {...props} variant="default">
                Choose a picture
              </Button>
            )}
          </FileButton>
        </>
      )}
    </div>
  );
}
