-- The catalogue: what the shop sells.
CREATE TABLE widgets (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    inventory_level integer NOT NULL DEFAULT 0,
    price integer NOT NULL,
    currency char(3) NOT NULL DEFAULT 'usd',
    image text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT widgets_pkey PRIMARY KEY (id),
    CONSTRAINT widgets_name_present CHECK (name ~ '\S'),
    CONSTRAINT widgets_inventory_level_not_negative CHECK (inventory_level >= 0),
    CONSTRAINT widgets_price_not_negative CHECK (price >= 0),
    CONSTRAINT widgets_currency_shape CHECK (currency ~ '^[a-z]{3}$')
);

COMMENT ON TABLE widgets IS 'Products for sale.';
COMMENT ON COLUMN widgets.price IS 'In the smallest unit of the currency: cents for usd, whole yen for jpy.';
COMMENT ON COLUMN widgets.currency IS 'ISO 4217 code in lower case, as the card processor writes it.';
COMMENT ON COLUMN widgets.image IS 'File name of the picture; empty when there is none.';
